"""The report: one page (and the same in Markdown and JSON) made from the files of a run alone.

`html.write_report` is the entry. `files` reads typed results, `findings` chooses the cells that are
shown first, `conclusions` holds the verdicts and what they follow from. `cards` makes the answer of
them, a card per question; `wording`, `generator_text` and `explanations` put them into sentences,
`results_table`, `explanation_tables`, `flow` and `provenance` into tables; `outline` has the order
of the sections; `curves`, `charts` and `figures` draw, and `numbers` makes report.json.
"""
