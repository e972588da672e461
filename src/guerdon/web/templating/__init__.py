"""How pages come to paper: templates, and routes that answer with them."""
