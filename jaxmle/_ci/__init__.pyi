from ._github import github_commands as github_commands
from ._github import summary as summary
from ._github import trouble_command as trouble_command
from ._junit import junit_xml as junit_xml
from ._junit import trouble_xml as trouble_xml
