"""Pictures that strangers send, written anew; and pictures that are drawn here."""
