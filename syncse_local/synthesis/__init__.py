"""From sentences, or from nothing, to requests and back to triplets. Knows no engine and no database."""
