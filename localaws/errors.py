"""The two ways in which something that a customer asked for fails: a call is refused, or a job ends failed."""


class ServiceError(Exception):
    """An error that a caller of the API sees: the service's code, a message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class JobFailed(Exception):
    """A failure whose message the job's resource shows; any other exception of a job is an internal error."""


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)


def in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message)


def limit(message: str) -> ServiceError:
    return ServiceError("LimitExceededException", message)
