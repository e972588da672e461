"""What generated code and the careful evaluator call: numbers, texts, instants, loose values."""
