# The service alone, on a CPU: PyTorch is not in it, the packaged embedder runs with NumPy and FAISS.
#   docker build -t hybrid .
#   docker run -p 8410:8410 -e HYBRID_SERVE_KEY=... -v ./contracts:/corpora/contracts:ro -v hybrid:/home/hybrid hybrid
FROM python:3.12-slim
WORKDIR /src
COPY . .
# what is installed is locked, with hashes
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement locks/serve.txt \
    && pip install --no-cache-dir --no-deps . \
    && useradd --create-home --uid 1000 hybrid
USER 1000
WORKDIR /home/hybrid
VOLUME /home/hybrid
EXPOSE 8410
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8410/healthz', timeout=4)"]
ENTRYPOINT ["hybrid", "serve"]
CMD ["documents=/corpora", "--host", "0.0.0.0"]
