"""The application without widgets: state, threads and models on QtCore. Imports neither QtGui, QtWidgets nor torch."""
