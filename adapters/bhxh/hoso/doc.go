// Package hoso is the national claim file (hồ sơ): its tables XML0 to XML15 by decision, exact text values, canonical
// writer, tolerant reader, the formulas for money, and the pre-checks that hold a faulty claim before it is sent.
//
//	File (GIAMDINHHS)            one envelope: facility, day, episodes
//	  HoSo                       one treatment episode (MA_LK)
//	    Table {Layout, Rows}     XML1 (one row), XML2 (drugs), XML3 (procedures, beds, supplies), ...
//	      Row                    one text for each field of the Layout, as it stands in the file
//
// A field is kept as its text: 12.50 stays 12.50 and 01 stays 01. Money is read from it as a decimal when it is needed
// (Row.Decimal) and never goes through a float.
//
// Layouts, rules and code lists are generated (gen) from the decisions' tables; nothing of them is typed by hand.
// Which decision holds follows from the day of discharge (DecisionAt).
//
// Check decides every rule of rules.json by a function of its own (checks, in check_table.go), and a few of ours about
// encodings and versions. Scan reads files of any length episode by episode, also bare tables and check-in files (XML0).
// Amounts are rounded half up to two decimals, once, at the end of a formula (Round2); sums are exact.
//
// What the facts leave open is said softly: rates off route are only bounded by the card's benefit (AMT-09), and a card
// without an end holds until further notice (CARD-01).
//
// Sources: decisions 4750/QĐ-BYT and 3176/QĐ-BYT; gateway guide 1245/BHXH-CNTT.
package hoso

//go:generate go run ./gen -domain ../../../../shared/domain/claim-xml -catalogue ../../../fhir/outcome/catalogue -out .
