"""Who knows whom: invitations, teams, the community."""
