"""Training data in the formats that trainers read: frames of a snapshot in, files out."""
