"""What a picture shows: layouts of panels, colours, labels, measures of rows. Reads from reports/run."""
