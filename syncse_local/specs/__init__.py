"""What each kind of run is told, declared once: type, default, bounds, unit and help of every field. Imports nothing heavy."""
