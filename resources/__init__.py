"""What touches the outside: settings from the environment, the database, the lake."""
