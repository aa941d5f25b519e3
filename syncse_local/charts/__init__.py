"""Bar charts as data, drawn for a terminal or as SVG."""
