"""The report: one page (and the same in Markdown and JSON) made from the files of a run alone.

`html.write_report` is the entry; `files` reads, `findings` computes, `wording` says it in words,
`figures` and `charts` draw.
"""
