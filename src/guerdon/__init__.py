"""Guerdon, an open-source loyalty engine with proof of each point and a backtest of any program."""
