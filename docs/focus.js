// What scrolls sideways can be reached and scrolled with the keyboard.
const reachable = () => {
  for (const part of document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap"))
    part.tabIndex = 0
}
reachable()
addEventListener("load", reachable)
