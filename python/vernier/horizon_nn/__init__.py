"""The vendor's package of this name: its debugger."""
