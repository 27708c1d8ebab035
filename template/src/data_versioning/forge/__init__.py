"""What CI says on GitHub and GitLab: comments, releases, issues."""
