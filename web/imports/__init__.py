"""Import of customers, workers and jobs from a file or from a spreadsheet's clipboard."""
