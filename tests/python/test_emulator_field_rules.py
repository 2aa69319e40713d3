"""Every field rule of AWS's own service description holds: what keeps the rules is let through, what breaks one is refused.

The inputs are made from the models of the installed botocore (see `field_rules`); botocore's own checks are off.
"""

import unittest

import field_rules
from botocore.exceptions import ClientError
from emulated import START, Emulator

REFUSAL = {
    "bedrock": "ValidationException",
    "bedrock-runtime": "ValidationException",
    "service-quotas": "IllegalArgumentException",
}
CONSTRAINT = "failed to satisfy constraint"
# Why the smallest inputs that keep all field rules get no further: what they name does not exist, or they say too little.
BEHIND_THE_RULES = {
    "CreateModelInvocationJob": ("AccessDeniedException", "Cross-account pass role is not allowed"),
    "DeleteInferenceProfile": ("ResourceNotFoundException", "inference profile"),
    "GetInferenceProfile": ("ResourceNotFoundException", "inference profile"),
    "GetModelInvocationJob": ("ResourceNotFoundException", "invocation job"),
    "GetProvisionedModelThroughput": ("ResourceNotFoundException", "provisioned model"),
    "ListTagsForResource": ("ResourceNotFoundException", "resource"),
    "PutModelInvocationLoggingConfiguration": ("ValidationException", "s3Config"),
    "StopModelInvocationJob": ("ResourceNotFoundException", "invocation job"),
    "TagResource": ("ResourceNotFoundException", "resource"),
    "UntagResource": ("ResourceNotFoundException", "resource"),
    "Converse": ("ValidationException", "[messages]"),
    "ConverseStream": ("ValidationException", "[messages]"),
    "CountTokens": ("ValidationException", "Malformed input request"),
    "InvokeModel": ("ValidationException", "Malformed input request"),
    "InvokeModelWithResponseStream": ("ValidationException", "Malformed input request"),
    "GetAWSDefaultServiceQuota": ("NoSuchResourceException", "service code"),
    "GetServiceQuota": ("NoSuchResourceException", "service code"),
    "ListAWSDefaultServiceQuotas": ("NoSuchResourceException", "service code"),
    "ListServiceQuotas": ("NoSuchResourceException", "service code"),
}


class FieldRules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator("--stepped", "--start", START)
        cls.addClassCleanup(cls.emulator.close)

    def client(self, service):
        client = self.emulator.client(service, parameter_validation=False)
        self.addCleanup(client.close)
        return client

    def call(self, client, operation, kwargs):
        """The error of a call: code and message; None when there is none."""
        try:
            getattr(client, field_rules.method(operation))(**kwargs)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return None

    def test_an_input_that_keeps_the_rules_is_not_refused_for_a_rule(self):
        for service in field_rules.OPERATIONS:
            client = self.client(service)
            for operation, kwargs in field_rules.rules(service).good.items():
                with self.subTest(operation):
                    error = self.call(client, operation, kwargs)
                    if operation not in BEHIND_THE_RULES:
                        self.assertIsNone(error)
                        continue
                    self.assertIsNotNone(error, "accepted")
                    code, words = BEHIND_THE_RULES[operation]
                    self.assertEqual(error[0], code)
                    self.assertIn(words, error[1])
                    self.assertNotIn(CONSTRAINT, error[1])

    def refuses_each_case(self, service):
        client, cases = self.client(service), field_rules.rules(service).cases
        self.assertGreater(len(cases), 0)
        for operation, path, rule, kwargs in cases:
            with self.subTest(operation=operation, path=path, rule=rule):
                error = self.call(client, operation, kwargs)
                self.assertIsNotNone(error, "accepted")
                self.assertEqual(error[0], REFUSAL[service], error)
                self.assertIn(f"at '{path}' {CONSTRAINT}", error[1])

    def test_an_input_that_breaks_a_rule_of_the_control_plane_is_refused_by_the_name_of_the_member(self):
        self.refuses_each_case("bedrock")

    def test_an_input_that_breaks_a_rule_of_the_runtime_is_refused_by_the_name_of_the_member(self):
        self.refuses_each_case("bedrock-runtime")

    def test_an_input_that_breaks_a_rule_of_service_quotas_is_refused_by_the_name_of_the_member(self):
        self.refuses_each_case("service-quotas")

    def test_several_broken_rules_are_told_together(self):
        client = self.client("bedrock")
        request = field_rules.rules("bedrock").good["CreateModelInvocationJob"]
        changes = {"jobName": "no_underscore", "timeoutDurationInHours": 23}
        code, message = self.call(client, "CreateModelInvocationJob", request | changes)
        self.assertEqual(code, "ValidationException")
        self.assertTrue(message.startswith("2 validation errors detected: "), message)
        for path in changes:
            self.assertIn(f"at '{path}' {CONSTRAINT}", message)


if __name__ == "__main__":
    unittest.main()
