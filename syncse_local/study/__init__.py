"""Which model, recipe or size is worth it: a look at answers, and studies of many runs. Knows no front end."""
