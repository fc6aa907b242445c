"""SageMaker notebook instances and their lifecycle configurations."""
