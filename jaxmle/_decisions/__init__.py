"""What to do next: how much rests on a bound, what to label, whether two systems or a judge differ."""
