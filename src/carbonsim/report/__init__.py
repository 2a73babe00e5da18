"""Report: figures, tables, the memo, the workbook and the run folder, in Chinese or English."""
