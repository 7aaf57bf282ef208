# What botocore would write into Authorization for one POST: url, region, key, secret, token, date, body, then "Name: value" headers.
import datetime, sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

url, region, key, secret, token, date, body, *headers = sys.argv[1:]
request = AWSRequest("POST", url, data=body, headers=dict(h.split(": ", 1) for h in headers))
signer = SigV4Auth(Credentials(key, secret, token or None), "sqs", region)
request.context["timestamp"] = date
request.headers["X-Amz-Date"] = date
if token:
    request.headers["X-Amz-Security-Token"] = token
canonical = signer.canonical_request(request)
signature = signer.signature(signer.string_to_sign(request, canonical), request)
print("AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s"
      % (signer.scope(request), signer.signed_headers(signer.headers_to_sign(request)), signature))
