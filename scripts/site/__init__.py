"""The documents as a site: `python -m scripts.site` builds it, and checks every link."""
