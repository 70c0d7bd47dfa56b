//! Charts that pages draw as SVG, each with its table behind it.

use std::fmt::Write as _;

use super::page::Badge;

/// A line or bar chart, drawn in a box of 960 × 100 units that stretches to
/// the room it has. Words stay outside the drawing so that they keep their
/// size, and the same figures stand in a table behind it.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Id of the figure, unique on its page.
    pub id: &'static str,
    /// What the chart shows.
    pub title: String,
    /// The chart in one sentence, for those who do not see it.
    pub summary: String,
    /// Lines, drawn in this order.
    pub lines: Vec<ChartLine>,
    /// Bars, drawn in this order.
    pub bars: Vec<ChartBar>,
    /// Names and tones of the series.
    pub legend: Vec<Badge>,
    /// Labels of the upright axis from top to bottom, evenly spaced.
    pub y_labels: Vec<String>,
    /// Labels of the level axis from left to right, evenly spaced.
    pub x_labels: Vec<String>,
    /// Whether each bar has a label of its own, below its middle.
    pub is_by_bar: bool,
    /// Column heads of the table behind the chart.
    pub table_head: Vec<String>,
    /// Rows of that table: the label and its figures.
    pub table_rows: Vec<ChartRow>,
}

/// One line of a chart.
#[derive(Debug, Clone, Default)]
pub struct ChartLine {
    /// Tone of the series.
    pub tone: &'static str,
    /// Path data of the line.
    pub line: String,
    /// Path data of the area under it; empty for none.
    pub area: String,
}

/// One bar of a chart.
#[derive(Debug, Clone, Default)]
pub struct ChartBar {
    /// Tone of the series.
    pub tone: &'static str,
    /// Left edge, 0 to 960.
    pub x: u64,
    /// Upper edge, 0 to 100.
    pub y: u64,
    /// Width.
    pub width: u64,
    /// Height.
    pub height: u64,
    /// What a pointer resting on it reads.
    pub title: String,
}

/// One row of the table behind a chart.
#[derive(Debug, Clone, Default)]
pub struct ChartRow {
    /// Such as the hour.
    pub label: String,
    /// One figure for each series.
    pub values: Vec<String>,
}

/// One series of figures to draw.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its tone.
    pub tone: &'static str,
    /// Its figures, one for each label.
    pub values: Vec<u64>,
}

const CHART_WIDTH: u64 = 960;
const CHART_HEIGHT: u64 = 100;

impl Chart {
    /// Bars stacked on each other, one stack for each label; `words` writes a
    /// figure for people.
    #[must_use]
    pub fn stacked(
        id: &'static str,
        title: &str,
        words: &dyn Fn(u64) -> String,
        labels: &[String],
        series: &[Series],
    ) -> Self {
        let sums = labels.iter().enumerate().map(|(i, _)| {
            series
                .iter()
                .map(|s| s.values.get(i).copied().unwrap_or(0))
                .sum::<u64>()
        });
        let top = round_up(sums.max().unwrap_or(0));
        let step = CHART_WIDTH / u64::try_from(labels.len().max(1)).unwrap_or(1);
        let gap = (step / 5).max(1);
        let mut bars = Vec::new();
        let mut x = 0;
        for (i, label) in labels.iter().enumerate() {
            let mut floor = CHART_HEIGHT;
            for s in series {
                let value = s.values.get(i).copied().unwrap_or(0);
                if value == 0 {
                    continue;
                }
                let height = (value * CHART_HEIGHT / top).max(1).min(floor);
                floor -= height;
                bars.push(ChartBar {
                    tone: s.tone,
                    x: x + gap / 2,
                    y: floor,
                    width: step.saturating_sub(gap).max(1),
                    height,
                    title: format!("{label}: {} {}", words(value), s.name),
                });
            }
            x += step;
        }
        Self {
            bars,
            ..Self::with_axes(id, title, words, labels, series, top)
        }
    }

    /// Lines over the labels; the first series gets an area under it.
    #[must_use]
    pub fn curves(
        id: &'static str,
        title: &str,
        words: &dyn Fn(u64) -> String,
        labels: &[String],
        series: &[Series],
    ) -> Self {
        let most = series.iter().flat_map(|s| s.values.iter().copied()).max();
        let top = round_up(most.unwrap_or(0));
        let last = u64::try_from(labels.len().saturating_sub(1).max(1)).unwrap_or(1);
        let mut lines = Vec::new();
        for (n, s) in series.iter().enumerate() {
            let mut line = String::new();
            for (i, value) in (0_u64..).zip(&s.values) {
                let command = if i == 0 { "M" } else { "L" };
                let x = i * CHART_WIDTH / last;
                let y = CHART_HEIGHT - (*value * CHART_HEIGHT / top).min(CHART_HEIGHT);
                // Writing to a string cannot fail.
                let _ = write!(line, "{command}{x} {y}");
            }
            let area = if n == 0 && !line.is_empty() {
                format!("{line}L{CHART_WIDTH} {CHART_HEIGHT}L0 {CHART_HEIGHT}Z")
            } else {
                String::new()
            };
            lines.push(ChartLine {
                tone: s.tone,
                line,
                area,
            });
        }
        Self {
            lines,
            ..Self::with_axes(id, title, words, labels, series, top)
        }
    }

    fn with_axes(
        id: &'static str,
        title: &str,
        words: &dyn Fn(u64) -> String,
        labels: &[String],
        series: &[Series],
        top: u64,
    ) -> Self {
        let quarter = (labels.len() / 4).max(1);
        let mut table_head = vec!["Time".to_owned()];
        table_head.extend(series.iter().map(|s| s.name.clone()));
        Self {
            id,
            title: title.to_owned(),
            summary: format!("{title}, highest mark {}", words(top)),
            legend: series.iter().map(|s| Badge::new(&s.name, s.tone)).collect(),
            y_labels: vec![words(top), words(top / 2), "0".to_owned()],
            x_labels: marks(labels, quarter),
            table_head,
            table_rows: labels
                .iter()
                .enumerate()
                .map(|(i, label)| ChartRow {
                    label: label.clone(),
                    values: series
                        .iter()
                        .map(|s| words(s.values.get(i).copied().unwrap_or(0)))
                        .collect(),
                })
                .collect(),
            ..Self::default()
        }
    }
}

/// Every so-manieth label, and the last one.
fn marks(labels: &[String], step: usize) -> Vec<String> {
    let mut marks: Vec<String> = labels.iter().step_by(step).cloned().collect();
    if let Some(last) = labels.last().filter(|last| marks.last() != Some(last)) {
        marks.push(last.clone());
    }
    marks
}

/// The next even, round number: axes read better when they end on one.
fn round_up(value: u64) -> u64 {
    let mut scale = 1;
    loop {
        for step in [2, 4, 6, 10] {
            if value <= step * scale {
                return step * scale;
            }
        }
        scale *= 10;
    }
}
