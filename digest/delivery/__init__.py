"""How does a mail leave the house, exactly once as far as the world allows?"""
