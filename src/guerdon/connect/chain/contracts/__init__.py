"""The contract that keeps anchors on a chain: source, ABI and bytecode."""
