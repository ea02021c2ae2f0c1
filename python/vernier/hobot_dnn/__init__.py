"""The package of the vendor's board that scripts import; see pyeasy_dnn."""
