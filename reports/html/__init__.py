"""How HTML is rendered, and the templates. It knows no run."""
