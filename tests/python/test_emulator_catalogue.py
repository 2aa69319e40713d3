"""What the control plane lists: models, inference profiles, quotas."""

import unittest

from emulated import HAIKU, REGION, START, EmulatedCase, Emulator

NOVA = "amazon.nova-pro-v1:0"
MINIMUM = "Minimum number of records per batch inference job for Claude Haiku 4.5"
TOKENS = "Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5"


class CatalogueCase(EmulatedCase):
    """One emulator for the tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Emulator("--stepped", "--start", START, settings=cls.SETTINGS)
        cls.addClassCleanup(cls.shared.close)

    def setUp(self):
        self.emulator = self.shared
        self.connect()


class Models(CatalogueCase):
    def ids(self, **filters):
        return {model["modelId"] for model in self.bedrock.list_foundation_models(**filters)["modelSummaries"]}

    def test_models_are_listed_and_each_is_shown_by_id_and_arn(self):
        models = self.bedrock.list_foundation_models()["modelSummaries"]
        self.assertGreater(len(models), 20)
        for model in models:
            self.assertEqual(model["modelArn"], f"arn:aws:bedrock:{REGION}::foundation-model/{model['modelId']}")
            for identifier in (model["modelId"], model["modelArn"]):
                self.assertEqual(self.bedrock.get_foundation_model(modelIdentifier=identifier)["modelDetails"], model)
        with self.refused("ResourceNotFoundException", 404):
            self.bedrock.get_foundation_model(modelIdentifier="no.such-model-v1:0")

    def test_models_are_filtered(self):
        everything = self.ids()
        anthropic, embedding = self.ids(byProvider="anthropic"), self.ids(byOutputModality="EMBEDDING")
        self.assertEqual(anthropic, {model for model in everything if model.startswith("anthropic.")})
        self.assertIn("amazon.titan-embed-text-v2:0", embedding)
        self.assertNotIn(NOVA, embedding)
        on_demand = self.ids(byInferenceType="ON_DEMAND")
        self.assertIn(NOVA, on_demand)
        self.assertNotIn("anthropic.claude-haiku-4-5-20251001-v1:0", on_demand)
        self.assertEqual(self.ids(byProvider="Anthropic", byOutputModality="IMAGE"), set())
        self.assertEqual(self.ids(byCustomizationType="FINE_TUNING"), set())

    def test_what_a_model_says_of_itself_is_how_it_can_be_called(self):
        message = [{"role": "user", "content": [{"text": "x [[toy: tokens=1]]"}]}]
        for model in self.bedrock.list_foundation_models(byOutputModality="TEXT")["modelSummaries"]:
            with self.subTest(model["modelId"]):
                if "ON_DEMAND" in model["inferenceTypesSupported"]:
                    self.assertTrue(self.runtime.converse(modelId=model["modelId"], messages=message)["output"])
                else:
                    with self.refused("ValidationException", 400, "inference profile"):
                        self.runtime.converse(modelId=model["modelId"], messages=message)


class Profiles(CatalogueCase):
    def listed(self, kind, size=1000):
        pages = self.bedrock.get_paginator("list_inference_profiles").paginate(
            typeEquals=kind, PaginationConfig={"PageSize": size}
        )
        return [profile["inferenceProfileId"] for page in pages for profile in page["inferenceProfileSummaries"]]

    def test_system_profiles_are_those_of_the_region(self):
        ids = self.listed("SYSTEM_DEFINED")
        self.assertIn(HAIKU, ids)
        self.assertEqual({profile.split(".")[0] for profile in ids}, {"us", "global"})
        elsewhere = self.emulator.client("bedrock", region="eu-west-1")
        self.addCleanup(elsewhere.close)
        there = elsewhere.list_inference_profiles(maxResults=1000)["inferenceProfileSummaries"]
        self.assertEqual({profile["inferenceProfileId"].split(".")[0] for profile in there}, {"eu", "global"})

    def test_pages_of_profiles_lose_and_repeat_nothing(self):
        self.assertEqual(self.listed("SYSTEM_DEFINED", 7), self.listed("SYSTEM_DEFINED"))
        for token in ("made-up", "18446744073709551615"):
            with self.refused("ValidationException", 400, "nextToken"):
                self.bedrock.list_inference_profiles(nextToken=token)

    def test_a_system_profile_names_its_model_and_cannot_be_deleted(self):
        arn = f"arn:aws:bedrock:{REGION}:111122223333:inference-profile/{HAIKU}"
        for identifier in (HAIKU, arn):
            profile = self.bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)
            shown = (profile["inferenceProfileArn"], profile["type"], profile["status"])
            self.assertEqual(shown, (arn, "SYSTEM_DEFINED", "ACTIVE"))
            self.assertTrue(profile["models"][0]["modelArn"].endswith("/anthropic.claude-haiku-4-5-20251001-v1:0"))
        with self.refused("ValidationException", 400):
            self.bedrock.delete_inference_profile(inferenceProfileIdentifier=HAIKU)

    def test_an_application_profile_lives_from_create_to_delete(self):
        created = self.bedrock.create_inference_profile(
            inferenceProfileName="search team",
            description="what search uses",
            modelSource={"copyFrom": f"arn:aws:bedrock:{REGION}::foundation-model/{NOVA}"},
            tags=[{"key": "team", "value": "search"}],
        )
        arn = created["inferenceProfileArn"]
        self.assertEqual((created["ResponseMetadata"]["HTTPStatusCode"], created["status"]), (201, "ACTIVE"))
        self.assertRegex(arn, rf"^arn:aws:bedrock:{REGION}:111122223333:application-inference-profile/[a-z0-9]{{12}}$")
        profile = self.bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
        self.assertEqual((profile["inferenceProfileName"], profile["description"]), ("search team", "what search uses"))
        self.assertEqual((profile["type"], len(profile["models"])), ("APPLICATION", 1))
        self.assertEqual(self.bedrock.list_tags_for_resource(resourceARN=arn)["tags"], [{"key": "team", "value": "search"}])
        self.assertEqual(self.listed("APPLICATION"), [arn.rsplit("/", 1)[1]])
        message = [{"role": "user", "content": [{"text": "x"}]}]
        self.assertTrue(self.runtime.converse(modelId=arn, messages=message)["output"])
        with self.refused("ValidationException", 400, "copyFrom"):
            self.bedrock.create_inference_profile(inferenceProfileName="copy", modelSource={"copyFrom": arn})
        self.bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)
        self.assertEqual(self.listed("APPLICATION"), [])
        for call in (self.bedrock.get_inference_profile, self.bedrock.delete_inference_profile):
            with self.refused("ResourceNotFoundException", 404):
                call(inferenceProfileIdentifier=arn)
        with self.refused("ResourceNotFoundException", 404):
            self.runtime.converse(modelId=arn, messages=message)

    def test_a_new_profile_has_an_arn_and_tags_of_its_own(self):
        def create(**more):
            source = {"copyFrom": f"arn:aws:bedrock:{REGION}::foundation-model/{NOVA}"}
            created = self.bedrock.create_inference_profile(inferenceProfileName="p", modelSource=source, **more)
            return created["inferenceProfileArn"]

        first, second = create(tags=[{"key": "of", "value": "the first"}]), create()
        self.bedrock.delete_inference_profile(inferenceProfileIdentifier=first)
        third, fourth = create(), create()
        self.assertEqual(len({second, third, fourth}), 3)
        for arn in (second, third, fourth):
            self.assertEqual(self.bedrock.list_tags_for_resource(resourceARN=arn)["tags"], [])
            self.bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


class Quotas(CatalogueCase):
    SETTINGS = f'[quotas]\n"{MINIMUM}" = 10\n'

    def setUp(self):
        super().setUp()
        self.quotas = self.emulator.client("service-quotas")
        self.addCleanup(self.quotas.close)

    def listed(self, operation="list_service_quotas", size=100):
        pages = self.quotas.get_paginator(operation).paginate(ServiceCode="bedrock", PaginationConfig={"PageSize": size})
        return [quota for page in pages for quota in page["Quotas"]]

    def test_a_quota_is_found_by_its_exact_name_and_by_its_code(self):
        by_name = {quota["QuotaName"]: quota for quota in self.listed()}
        self.assertEqual((by_name[MINIMUM]["Value"], by_name[MINIMUM]["Adjustable"]), (10, False))
        self.assertTrue(by_name[TOKENS]["Adjustable"])
        code = by_name[MINIMUM]["QuotaCode"]
        self.assertEqual(self.quotas.get_service_quota(ServiceCode="bedrock", QuotaCode=code)["Quota"], by_name[MINIMUM])
        default = self.quotas.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode=code)["Quota"]
        self.assertEqual(default["Value"], 100)

    def test_names_and_codes_are_each_their_own_and_pages_lose_and_repeat_nothing(self):
        quotas = self.listed()
        for name in ("QuotaName", "QuotaCode", "QuotaArn"):
            self.assertEqual(len({quota[name] for quota in quotas}), len(quotas))
        self.assertEqual(self.listed(size=7), quotas)
        defaults = {quota["QuotaName"]: quota["Value"] for quota in self.listed("list_aws_default_service_quotas")}
        changed = {quota["QuotaName"] for quota in quotas if quota["Value"] != defaults[quota["QuotaName"]]}
        self.assertEqual(changed, {MINIMUM})

    def test_the_batch_quotas_are_aws_s(self):
        # AWS General Reference, "Amazon Bedrock endpoints and quotas", read 2026-11-23.
        by_name = {quota["QuotaName"]: quota["Value"] for quota in self.listed("list_aws_default_service_quotas")}
        for name, value in {
            MINIMUM: 100,
            "Records per batch inference job for Claude Haiku 4.5": 100_000,
            "Records per input file per batch inference job for Claude Haiku 4.5": 100_000,
            "Batch inference input file size (in GB) for Claude Haiku 4.5": 1,
            "Batch inference job size (in GB) for Claude Haiku 4.5": 5,
            "Batch inference job size (in GB) for Nova Lite": 100,
            "Sum of in-progress and submitted batch inference jobs using a base model for Claude Haiku 4.5": 100,
        }.items():
            self.assertEqual(by_name[name], value, name)

    def test_what_is_not_there_is_told_in_service_quotas_own_words(self):
        with self.refused("NoSuchResourceException", 400):
            self.quotas.get_service_quota(ServiceCode="bedrock", QuotaCode="L-00000000")
        with self.refused("NoSuchResourceException", 400):
            self.quotas.list_service_quotas(ServiceCode="ec2")
        for token in ("madeup", "18446744073709551615"):
            with self.refused("InvalidPaginationTokenException", 400):
                self.quotas.list_service_quotas(ServiceCode="bedrock", NextToken=token)


if __name__ == "__main__":
    unittest.main()
