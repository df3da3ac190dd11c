"""Your dialogues in plots: `marimo edit docs/notebooks/dialogues.py`, from where the lake is."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Dialogues")


@app.cell
def _():
    import os
    from pathlib import Path

    import duckdb
    import marimo as mo
    from matplotlib.figure import Figure

    return Figure, Path, duckdb, mo, os


@app.cell
def _(Path, duckdb, mo, os):
    home = Path(os.environ.get("STEPPE_HOME", ".steppe"))
    warehouse = home / "warehouse.duckdb"
    mo.stop(
        not warehouse.exists(),
        mo.md(f"There is no `{warehouse}` yet: run `steppe grow`, or set `STEPPE_HOME`."),
    )

    def ask(question):
        """Return the answer of a query; the file is opened anew, so it is the newest one."""
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            return connection.sql(question).pl()

    return (ask,)


@app.cell
def _(mo):
    mo.md("""
    # Dialogues

    Each plot is one question of `sql/explore`; the table below it has the same rows.
    Change a query, or add a cell with `ask("from explore.…")`.
    """)
    return


@app.cell
def _(Figure):
    def bars(names, values, title):
        """Return horizontal bars, the first name on top."""
        figure = Figure(figsize=(8, 0.8 + 0.28 * len(names)), layout="constrained")
        axes = figure.subplots()
        axes.barh(range(len(names)), values)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_title(title)
        return figure

    return (bars,)


@app.cell
def _(mo):
    mo.md("""
    ## What do I talk about?
    """)
    return


@app.cell
def _(ask, bars, mo):
    topics = ask("from explore.what_do_i_talk_about")
    topic_plots = [
        bars(words["word"].to_list(), words["score"].to_list(), source)
        for (source,), words in topics.group_by("source", maintain_order=True)
    ]
    mo.vstack([mo.hstack(topic_plots, wrap=True), topics])
    return (topic_plots,)


@app.cell
def _(mo):
    mo.md("""
    ## When do I talk?
    """)
    return


@app.cell
def _(Figure, ask, mo):
    hours = ask("from explore.when_do_i_talk")
    counts = [[0] * 24 for _ in range(7)]
    for _weekday, _hour, _messages, _ in hours.drop_nulls().iter_rows():
        counts[_weekday - 1][_hour] = _messages
    when_plot = Figure(figsize=(9, 3), layout="constrained")
    _axes = when_plot.subplots()
    _axes.imshow(counts, aspect="auto", cmap="Blues")
    _axes.set_yticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    _axes.set_xticks(range(0, 24, 3))
    _axes.set_xlabel("hour, in this machine's time zone")
    mo.vstack([when_plot, hours])
    return (when_plot,)


@app.cell
def _(mo):
    mo.md("""
    ## What was dropped, and why?
    """)
    return


@app.cell
def _(ask, bars, mo):
    dropped = ask("from explore.what_was_dropped_and_why")
    reasons = ask(
        "select reason, sum(times)::bigint as times from explore.what_was_dropped_and_why "
        "group by reason order by times desc, reason limit 20"
    )
    dropped_plot = bars(reasons["reason"].to_list(), reasons["times"].to_list(), "times")
    mo.vstack([dropped_plot, dropped])
    return (dropped_plot,)


@app.cell
def _(mo):
    mo.md("""
    ## How much is there to train on?
    """)
    return


@app.cell
def _(ask, bars, mo):
    budget = ask("from explore.token_budget")
    labels = [f"{s}, {split}" for s, split in budget.select("source", "split").iter_rows()]
    budget_plot = bars(labels, budget["qwen_tokens"].to_list(), "Qwen tokens, estimated")
    mo.vstack([budget_plot, budget])
    return (budget_plot,)


@app.cell
def _(mo):
    mo.md("""
    ## Does what comes in change?
    """)
    return


@app.cell
def _(Figure, ask, mo):
    drift = ask("from explore.drift_by_week order by week")
    drift_plot = Figure(figsize=(9, 8), layout="constrained")
    measures = drift["measure"].unique(maintain_order=True).to_list()
    for _axes, (_name, _weeks) in zip(
        drift_plot.subplots(max(len(measures), 1), sharex=True, squeeze=False)[:, 0],
        ((m, drift.filter(drift["measure"] == m)) for m in measures),
        strict=False,
    ):
        _axes.plot(_weeks["week"].to_list(), _weeks["value"].to_list(), marker=".")
        _odd = _weeks.filter(_weeks["unusual"])
        _axes.plot(_odd["week"].to_list(), _odd["value"].to_list(), "o", color="red")
        _axes.set_ylabel(_name, rotation=0, ha="right")
    mo.vstack([drift_plot, drift])
    return (drift_plot,)


if __name__ == "__main__":
    app.run()
