"""Objects over boto3: whole and in parts, listed in pages, under conditions, presigned, and over TLS."""

import concurrent.futures
import hashlib
import io
import itertools
import unittest
import urllib.error
import urllib.request

import requests
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from emulated import BUCKET, EmulatedCase, Emulator

MEGABYTE = 1 << 20
# The service keeps a file beside each object whose name holds the key in base64; see crates/emulator/src/s3.rs.
KEY_BYTES = 150


class S3Case(EmulatedCase):
    """One emulator for the tests of a class, and a bucket for each test."""

    numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        cls.shared = Emulator(*cls.ARGS)
        cls.addClassCleanup(cls.shared.close)

    def setUp(self):
        self.emulator = self.shared
        self.connect()
        self.bucket = f"{BUCKET}-{next(self.numbers)}"
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, key, body, **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def get(self, key, **more):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **more)["Body"].read()

    def keys(self, **more):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **more)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


class Objects(S3Case):
    def test_an_object_is_put_read_asked_for_and_deleted(self):
        etag = self.put("a/b.txt", b"hello", ContentType="text/plain", Metadata={"team": "claims"})["ETag"]
        self.assertEqual(etag, f'"{hashlib.md5(b"hello").hexdigest()}"')
        found = self.s3.get_object(Bucket=self.bucket, Key="a/b.txt")
        self.assertEqual(found["Body"].read(), b"hello")
        head = self.s3.head_object(Bucket=self.bucket, Key="a/b.txt")
        for answer in (found, head):
            self.assertEqual((answer["ContentLength"], answer["ContentType"], answer["ETag"]), (5, "text/plain", etag))
            self.assertEqual(answer["Metadata"], {"team": "claims"})
        self.put("a/b.txt", b"other")
        self.assertEqual(self.get("a/b.txt"), b"other")
        self.s3.delete_object(Bucket=self.bucket, Key="a/b.txt")
        self.s3.delete_object(Bucket=self.bucket, Key="a/b.txt")
        self.assertEqual(self.keys(), [])
        with self.refused("404", 404):
            self.s3.head_object(Bucket=self.bucket, Key="a/b.txt")

    def test_an_empty_object_is_an_object(self):
        self.put("empty", b"")
        self.assertEqual((self.get("empty"), self.keys()), (b"", ["empty"]))

    def test_a_range_is_the_part_that_was_asked_for(self):
        self.put("k", bytes(range(100)))
        for asked, first, end in (("10-19", 10, 20), ("90-", 90, 100), ("-5", 95, 100), ("98-500", 98, 100)):
            with self.subTest(asked):
                answer = self.s3.get_object(Bucket=self.bucket, Key="k", Range=f"bytes={asked}")
                self.assertEqual(answer["Body"].read(), bytes(range(first, end)))
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 206)
                self.assertEqual(answer["ContentRange"], f"bytes {first}-{end - 1}/100")
        with self.refused("InvalidRange", 416):
            self.get("k", Range="bytes=100-")

    def test_what_is_not_there_is_named(self):
        with self.refused("NoSuchKey", 404):
            self.get("nothing")
        for call in (
            lambda: self.s3.get_object(Bucket="no-such-bucket", Key="k"),
            lambda: self.s3.put_object(Bucket="no-such-bucket", Key="k", Body=b""),
            lambda: self.s3.list_objects_v2(Bucket="no-such-bucket"),
        ):
            with self.refused("NoSuchBucket", 404):
                call()

    def test_a_copy_and_a_delete_of_many(self):
        for i in range(5):
            self.put(f"k{i}", f"{i}".encode())
        self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource={"Bucket": self.bucket, "Key": "k3"})
        self.assertEqual(self.get("copy"), b"3")
        doomed = {"Objects": [{"Key": f"k{i}"} for i in range(5)]}
        self.s3.delete_objects(Bucket=self.bucket, Delete=doomed)
        self.assertEqual(self.keys(), ["copy"])

    def test_keys_are_read_and_listed_as_they_were_written(self):
        keys = ["a b", "a+b", "a%20b", "\u00fcml\u00e4ut/\u4e2d\u6587", "x=1&y=2/#?", "'quoted' (1)!*"]
        keys += ["k" * KEY_BYTES, "d/" * (KEY_BYTES // 2) + "k"]
        for key in keys:
            with self.subTest(key):
                self.put(key, key.encode())
                self.assertEqual(self.get(key).decode(), key)
        self.assertEqual(sorted(self.keys()), sorted(keys))

    def test_a_key_of_more_than_1024_bytes_is_too_long(self):
        with self.refused("KeyTooLongError", 400):
            self.put("k" * 1025, b"")

    def test_a_key_does_not_leave_its_bucket(self):
        self.s3.create_bucket(Bucket=f"{self.bucket}-other")
        self.s3.put_object(Bucket=f"{self.bucket}-other", Key="secret", Body=b"secret")
        doors = [f"{way}../{self.bucket}-other/secret" for way in ("", "x/../")] + [f"{way}../../journal.ndjson" for way in ("", "/")]
        self.put("mine", b"x")
        for key in doors:
            source = {"Bucket": self.bucket, "Key": key}
            doomed = {"Objects": [{"Key": key}]}
            for call in (
                lambda key=key: self.get(key),
                lambda key=key: self.put(key, b"x"),
                lambda key=key: self.s3.delete_object(Bucket=self.bucket, Key=key),
                lambda doomed=doomed: self.s3.delete_objects(Bucket=self.bucket, Delete=doomed),
                lambda source=source: self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource=source),
                lambda key=key: self.s3.create_multipart_upload(Bucket=self.bucket, Key=key),
            ):
                with self.subTest(key), self.assertRaises(ClientError) as caught:
                    call()
                self.assertLess(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.assertEqual(self.s3.get_object(Bucket=f"{self.bucket}-other", Key="secret")["Body"].read(), b"secret")
        self.assertEqual(self.keys(), ["mine"])

    def test_a_checksum_that_is_wrong_is_refused(self):
        with self.refused("BadDigest", 400):
            self.put("k", b"hello", ChecksumCRC32="AAAAAA==")


class Listing(S3Case):
    def test_a_list_comes_in_pages_with_prefix_and_delimiter(self):
        names = [f"{folder}/{i:03}" for folder in ("a", "b", "c/d") for i in range(400)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: self.put(name, b""), names))
        first = self.s3.list_objects_v2(Bucket=self.bucket)
        self.assertEqual((first["KeyCount"], first["IsTruncated"], first["MaxKeys"]), (1000, True, 1000))
        second = self.s3.list_objects_v2(Bucket=self.bucket, ContinuationToken=first["NextContinuationToken"])
        self.assertEqual((second["KeyCount"], second["IsTruncated"]), (200, False))
        self.assertEqual([found["Key"] for page in (first, second) for found in page["Contents"]], names)
        self.assertEqual(self.keys(PaginationConfig={"PageSize": 170}), names)
        self.assertEqual(self.keys(Prefix="b/"), names[400:800])
        self.assertEqual(self.keys(Prefix="b/39"), names[790:800])
        self.assertEqual(self.keys(Prefix="b/", StartAfter="b/397"), names[798:800])
        top = self.s3.list_objects_v2(Bucket=self.bucket, Delimiter="/")
        self.assertEqual([found["Prefix"] for found in top["CommonPrefixes"]], ["a/", "b/", "c/"])
        self.assertNotIn("Contents", top)
        inner = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="c/", Delimiter="/")
        self.assertEqual([found["Prefix"] for found in inner["CommonPrefixes"]], ["c/d/"])


class Parts(S3Case):
    def test_a_large_file_is_sent_in_parallel_parts_and_read_as_one(self):
        content = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(20 * MEGABYTE // 32))
        config = TransferConfig(multipart_threshold=8 * MEGABYTE, multipart_chunksize=8 * MEGABYTE, max_concurrency=4)
        self.s3.upload_fileobj(io.BytesIO(content), self.bucket, "large", Config=config)
        head = self.s3.head_object(Bucket=self.bucket, Key="large")
        self.assertEqual(head["ContentLength"], len(content))
        self.assertRegex(head["ETag"], r'^"[0-9a-f]{32}-3"$')
        back = io.BytesIO()
        self.s3.download_fileobj(self.bucket, "large", back, Config=config)
        self.assertEqual(hashlib.sha256(back.getvalue()).digest(), hashlib.sha256(content).digest())

    def test_parts_that_come_in_another_order_stand_in_theirs(self):
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="k")["UploadId"]
        bodies = {1: b"a" * 5 * MEGABYTE, 2: b"b" * 5 * MEGABYTE, 3: b"c"}
        done = []
        for number in (3, 1, 2):
            place = {"Bucket": self.bucket, "Key": "k", "UploadId": upload, "PartNumber": number}
            done.append({"PartNumber": number, "ETag": self.s3.upload_part(**place, Body=bodies[number])["ETag"]})
        self.assertEqual(self.keys(), [], "nothing is there before the end")
        parts = {"Parts": sorted(done, key=lambda part: part["PartNumber"])}
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="k", UploadId=upload, MultipartUpload=parts)
        self.assertEqual(self.get("k"), bodies[1] + bodies[2] + bodies[3])

    def test_an_upload_that_is_given_up_leaves_nothing(self):
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="k")["UploadId"]
        self.s3.upload_part(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"a")
        self.s3.abort_multipart_upload(Bucket=self.bucket, Key="k", UploadId=upload)
        self.assertEqual(self.keys(), [])
        with self.refused("NoSuchUpload", 404):
            self.s3.upload_part(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"a")


class Conditions(S3Case):
    def test_of_writers_at_once_who_want_no_object_there_one_wins(self):
        def write(i):
            try:
                self.put("lock", f"{i}".encode(), IfNoneMatch="*")
            except ClientError as error:
                return error.response["Error"]["Code"]
            return i

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            results = list(pool.map(write, range(8)))
        winners = [result for result in results if isinstance(result, int)]
        self.assertEqual(len(winners), 1, results)
        self.assertEqual(self.get("lock"), f"{winners[0]}".encode())
        self.assertEqual(results.count("PreconditionFailed"), 7)

    def test_a_write_holds_only_on_the_version_it_names(self):
        etag = self.put("k", b"one")["ETag"]
        with self.refused("PreconditionFailed", 412):
            self.put("k", b"two", IfMatch='"00000000000000000000000000000000"')
        self.assertEqual(self.get("k"), b"one")
        self.put("k", b"two", IfMatch=etag)
        with self.refused("PreconditionFailed", 412):
            self.put("k", b"three", IfMatch=etag)
        self.assertEqual(self.get("k"), b"two")


class Signed(S3Case):
    def fetch(self, url, data=None, method="GET"):
        request = urllib.request.Request(url, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def test_a_presigned_url_reads_and_writes_one_object(self):
        client = self.emulator.client("s3", signature_version="s3v4")
        self.addCleanup(client.close)
        self.put("k", b"hello")
        where = {"Bucket": self.bucket, "Key": "k"}
        url = client.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
        self.assertEqual(self.fetch(url), (200, b"hello"))
        self.assertEqual(self.fetch(url.replace("/k?", "/other?"))[0], 403)
        url = client.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
        self.assertEqual(self.fetch(url, b"written", "PUT")[0], 200)
        self.assertEqual(self.get("k"), b"written")

    def test_a_form_puts_an_object_into_its_bucket_and_nowhere_else(self):
        self.s3.create_bucket(Bucket=f"{self.bucket}-other")
        client = self.emulator.client("s3", signature_version="s3v4", s3={"addressing_style": "path"})
        self.addCleanup(client.close)
        for key, good in (("k", True), (f"../{self.bucket}-other/k", False), ("x/../../../journal.ndjson", False)):
            form = client.generate_presigned_post(self.bucket, key)
            with requests.post(form["url"], data=form["fields"], files={"file": b"hello"}, timeout=30) as answer:
                self.assertEqual(answer.ok, good, answer.text)
        self.assertEqual(self.keys(), ["k"])
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket=f"{self.bucket}-other"))

    def test_a_bucket_that_is_not_empty_is_not_deleted(self):
        self.put("k", b"kept")
        with self.refused("BucketNotEmpty", 409):
            self.s3.delete_bucket(Bucket=self.bucket)
        self.assertEqual(self.get("k"), b"kept")
        self.s3.delete_object(Bucket=self.bucket, Key="k")
        self.s3.delete_bucket(Bucket=self.bucket)
        with self.refused("NoSuchBucket", 404):
            self.s3.list_objects_v2(Bucket=self.bucket)

    def test_a_wrong_secret_an_unknown_key_and_no_signature_are_refused(self):
        for kwargs, code in (({"secret": "another"}, "SignatureDoesNotMatch"), ({"key": "AKIAUNKNOWN"}, "InvalidAccessKeyId")):
            client = self.emulator.client("s3", **kwargs)
            self.addCleanup(client.close)
            with self.subTest(code), self.refused(code, 403):
                client.list_objects_v2(Bucket=self.bucket)
        status, text = self.fetch(f"{self.emulator.info['url']}/{self.bucket}/k")
        self.assertEqual(status, 403)
        self.assertIn(b"AccessDenied", text)


class Tls(S3Case):
    def connect(self):
        super().connect()
        self.s3 = self.emulator.client("s3", tls=True)
        self.addCleanup(self.s3.close)

    def test_bodies_in_signed_chunks_with_a_checksum_behind_them_are_taken_apart(self):
        sent = []
        self.s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request.headers))
        content = bytes(range(256)) * 1000
        self.put("k", io.BytesIO(content))
        self.assertEqual(sent[0]["x-amz-content-sha256"].decode(), "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        self.assertEqual(self.get("k"), content)
        self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key="k")["ContentLength"], len(content))

    def test_large_files_and_lists_work_over_tls(self):
        content = b"x" * (17 * MEGABYTE)
        self.s3.upload_fileobj(io.BytesIO(content), self.bucket, "large")
        self.assertEqual(len(self.get("large")), len(content))
        self.assertEqual(self.keys(), ["large"])


if __name__ == "__main__":
    unittest.main()
