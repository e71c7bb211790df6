"""How people took part, as tables: what is usual, so that a night that differs can be seen to."""
