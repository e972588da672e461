"""Teams over HTTP: founded, joined, left, led."""
