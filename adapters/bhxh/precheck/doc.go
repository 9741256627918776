// Package precheck runs the pre-checks of the claim file (hoso.Check) over files of any size and writes what they found
// as a table, as one JSON object a line, or as a spreadsheet.
//
//	scan ──► episodes, not read ──► workers: read tables, check ──► in the order of the file: past, report
//
// A file is read once, from its beginning; only the episodes under way are in memory. What several episodes must know of
// one another (DUP-02, DUP-03) is a Past of hashes, which is bounded too.
package precheck
