"""The page that receives a friend: what the club is, what coming brings, and a form that needs no scripts."""
