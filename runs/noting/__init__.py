"""What people and evaluators say of runs: shown, written, taken out as a data set."""
