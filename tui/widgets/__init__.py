"""One widget a file. A widget is handed what it shows; none reads the store."""
