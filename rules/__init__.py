"""Pure arithmetic of the field, a file a body of arithmetic. Imports core only."""
