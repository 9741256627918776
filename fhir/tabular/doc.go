// Package tabular writes and reads tables as people exchange them: CSV and XLSX. It knows nothing of what is in them.
//
// A cell is text. In CSV a cell that a spreadsheet would take for a formula gets an apostrophe in front, since names and
// remarks come from outside; in XLSX cells are texts by their type. Reading is bounded: rows, columns, length of a cell, and
// what a compressed file may unpack to.
//
// Start reading at Table.
package tabular
