"""What changed from one version of the study to another, as a page and as Markdown."""
