"""Data: tracked, sent, fetched and checked out."""
