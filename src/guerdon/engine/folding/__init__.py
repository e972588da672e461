"""Parts of the fold: what it comes to, and what it knows from before."""
