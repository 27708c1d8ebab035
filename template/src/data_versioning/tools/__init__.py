"""The programs underneath, git and DVC: the only modules that know their commands and files."""
