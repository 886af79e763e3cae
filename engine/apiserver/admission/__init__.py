"""Admission plugins: one file each, exporting PLUGIN; their order is in `engine.apiserver.admission_chain`."""
