"""Personal ranking: scores a day's papers for each profile and selects the picks, with reasons. No I/O."""
