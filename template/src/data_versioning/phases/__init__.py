"""The phases of a study: what each owes, how it begins, and the gates it passes to end."""
