"""Deposits in archives: drafts, DOIs, files that are compared with the server's, publication."""
