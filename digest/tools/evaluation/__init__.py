"""How good are the choices? Replayed days, rival orders, and trials that make it hard."""
