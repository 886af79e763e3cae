"""The watched folder: files -> desired objects -> plan -> apply and prune, through the API like any other client."""
